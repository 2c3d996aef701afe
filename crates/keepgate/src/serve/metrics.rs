//! The metrics' recorder. The admin listener renders it.
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::{
    exit::Exit,
    failure::{Failure, chain},
    version,
};

/// Seconds: from a fast answer to a slow one. Without buckets a histogram can't be added up over instances.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Installs the recorder, once in the life of the process.
///
/// # Errors
/// A second call.
pub fn install() -> Result<PrometheusHandle, Failure> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Failure::new(Exit::Failed, "can't record metrics", chain(error), "report this")
    };
    let handle = builder()
        .map_err(|error| failed(&error))?
        .install_recorder()
        .map_err(|error| failed(&error))?;
    metrics::gauge!("keepgate_build_info", "version" => version::VERSION).set(1.0);
    Ok(handle)
}

fn builder() -> Result<PrometheusBuilder, metrics_exporter_prometheus::BuildError> {
    let seconds = Matcher::Suffix("_seconds".into());
    Ok(PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &BUCKETS)?
        .with_recommended_naming(true))
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_are_rendered_as_histograms_with_buckets() {
        let recorder = super::builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || metrics::histogram!("keepgate_x_seconds").record(0.02));
        let text = handle.render();
        assert!(text.contains("keepgate_x_seconds_bucket{le=\"0.025\"} 1"), "{text}");
    }
}
