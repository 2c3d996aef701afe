//! RFC 4180, as every list that leaves Keepgate as a table writes it. A cell that a spreadsheet would take for a formula is made a text.

/// One record, with its line end.
#[must_use]
pub fn line<const N: usize>(cells: [&str; N]) -> String {
    cells.map(cell).join(",") + "\r\n"
}

/// A cell: quoted where RFC 4180 demands it, with a `'` before what a spreadsheet would calculate.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for formula in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "=HYPERLINK(\"x\",\"y\")",
        ] {
            assert!(cell(formula).trim_start_matches('"').starts_with('\''), "{formula}");
        }
        assert_eq!(cell("route:a=b"), "route:a=b");
    }

    #[test]
    fn a_cell_with_quotes_commas_or_line_ends_is_quoted() {
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("a\"b"), "\"a\"\"b\"");
        assert_eq!(cell("a\nb"), "\"a\nb\"");
        assert_eq!(cell("plain"), "plain");
    }

    #[test]
    fn a_line_ends_as_the_rfc_says() {
        assert_eq!(line(["a", "b,c", "=d"]), "a,\"b,c\",'=d\r\n");
    }
}
