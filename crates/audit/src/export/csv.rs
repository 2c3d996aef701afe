//! RFC 4180. A cell that a spreadsheet would take for a formula is made a text.
use data_encoding::HEXLOWER;
use keepgate_kernel::format_time;

use crate::Entry;

/// The first line.
pub(super) const HEADER: &str = "index,id,recorded_at,time_quality,actor_type,actor,action,entity,outcome,reason,source_ip,request_id,leaf_hash\r\n";

pub(super) fn line(entry: &Entry) -> String {
    let leaf = &entry.leaf;
    let cells: [&str; 13] = [
        &entry.index.to_string(),
        &leaf.id.to_string(),
        &format_time(leaf.recorded_at),
        leaf.time_quality.as_str(),
        leaf.actor.kind().as_str(),
        &leaf.actor.to_string(),
        &leaf.action,
        &leaf.entity,
        leaf.outcome.as_str(),
        leaf.reason.as_deref().unwrap_or_default(),
        entry.source.as_ref().map_or("", |source| source.value.as_str()),
        &leaf.request.to_string(),
        &HEXLOWER.encode(&entry.leaf_hash),
    ];
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
    use super::cell;

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
}
