//! The Mann-Whitney U test: whether one sample tends to be larger than another, whatever their distributions.

/// What the test says.
#[derive(Debug, Clone, Copy)]
pub struct MannWhitney {
    /// U of the first sample: how many of all pairs it wins, ties by halves.
    pub u: f64,
    /// How many standard deviations U is from what chance gives, continuity corrected; negative when the first is the smaller.
    pub z: f64,
    /// The two-sided probability of that by chance.
    pub p: f64,
}

/// The normal approximation with the correction for ties: for samples of some dozens and more.
#[expect(clippy::cast_precision_loss, reason = "samples are thousands")]
pub fn mann_whitney(one: &[f64], other: &[f64]) -> MannWhitney {
    let first = one.iter().map(|x| (*x, true));
    let mut all: Vec<(f64, bool)> = first.chain(other.iter().map(|x| (*x, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut ties, mut at) = (0.0, 0.0, 0);
    while at < all.len() {
        let end = at + all[at..].iter().take_while(|(x, _)| *x == all[at].0).count();
        let rank = (at + 1 + end) as f64 / 2.0;
        ranks += rank * all[at..end].iter().filter(|(_, first)| *first).count() as f64;
        let size = (end - at) as f64;
        ties += size.powi(3) - size;
        at = end;
    }
    let (n, m) = (one.len() as f64, other.len() as f64);
    let (u, total) = (ranks - n * (n + 1.0) / 2.0, n + m);
    let deviation = (n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)))).sqrt();
    let off = u - n * m / 2.0;
    let z = off.signum() * (off.abs() - 0.5).max(0.0) / deviation;
    MannWhitney {
        u,
        z,
        p: erfc(z.abs() / std::f64::consts::SQRT_2),
    }
}

/// Abramowitz and Stegun 7.1.26; good to 1.5e-7.
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let poly =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    poly * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_definition() {
        let one = [1.1, 2.2, 2.2, 3.3, 5.5, 8.0, 9.1, 9.1, 10.0, 12.0];
        let other = [0.5, 2.2, 4.0, 4.1, 6.0, 7.0, 13.0, 14.0, 15.0, 16.0];
        let test = mann_whitney(&one, &other);
        let won = |a: &f64, b: &f64| {
            if a > b {
                1.0
            } else if a < b {
                0.0
            } else {
                0.5
            }
        };
        let pairs: f64 = one.iter().flat_map(|a| other.iter().map(move |b| won(a, b))).sum();
        assert!((test.u - pairs).abs() < 1e-9, "{test:?}");
        // The same formula with the error function of C's mathematical library.
        assert!((test.p - 0.471_841_408).abs() < 1e-6, "{test:?}");
    }

    #[test]
    fn it_tells_a_shift_from_noise() {
        let noise: Vec<f64> = (0..2000).map(|n| f64::from(n * 7919 % 1000)).collect();
        let same: Vec<f64> = (0..2000).map(|n| f64::from(n * 104_729 % 1000)).collect();
        let shifted: Vec<f64> = same.iter().map(|x| x + 40.0).collect();
        assert!(mann_whitney(&noise, &same).p > 0.01);
        let told = mann_whitney(&noise, &shifted);
        assert!(told.p < 0.001 && told.z < 0.0, "{told:?}");
        let turned = mann_whitney(&shifted, &noise);
        assert!((told.p - turned.p).abs() < 1e-12 && turned.z > 0.0);
    }
}
