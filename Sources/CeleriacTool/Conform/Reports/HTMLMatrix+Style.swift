extension HTMLMatrix {
    /// The page's style: light or dark as the reader's system is, and black on white on paper.
    static let style = """
        :root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#5d6672;--line:#e3e6ea;--ok:#2f8f4e;--warn:#c98a00;
        --none:#9aa3ae;--bad:#c62f3b;--raise:#f6f8fa}
        @media(prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e6e9ed;--soft:#9aa3ae;--line:#2a2f36;--ok:#3fae64;
        --warn:#e0a526;--none:#6b7480;--bad:#ef5a63;--raise:#1b2026}}
        *{box-sizing:border-box}
        body{font:15px/1.5 system-ui,"Segoe UI","DejaVu Sans",sans-serif;color:var(--ink);background:var(--paper);
        max-width:78rem;margin:2.5rem auto;padding:0 1.25rem;-webkit-print-color-adjust:exact;print-color-adjust:exact}
        h1{font-size:1.7rem;line-height:1.2;margin:0}h2{font-size:1.15rem;margin:2.6rem 0 .6rem}h3{font-size:1rem;margin:1.6rem 0 .3rem}
        p{margin:.2rem 0}.soft,small{color:var(--soft)}small{font-size:.85em}code{font-size:.92em;overflow-wrap:anywhere}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;margin:1.2rem 0 0;padding:0}
        b{display:inline-block;min-width:1.45em;padding:0 .3em;border-radius:4px;font:700 .78em/1.6 ui-monospace,monospace;text-align:center;
        color:#fff;background:var(--none);text-decoration:none}
        .OK{background:var(--ok)}.NON-STRICT{background:var(--warn)}
        .INFORMATIONAL,.UNIMPLEMENTED{background:none;color:var(--soft);box-shadow:inset 0 0 0 1.5px var(--none)}
        .FAILED,.TIMEOUT,.CRASH,.FLAKY{background:var(--bad)}
        .wide{overflow-x:auto}.matrix{table-layout:fixed}.matrix thead th:first-child{width:13rem}
        table{border-collapse:separate;border-spacing:0;width:100%;min-width:46rem}
        th,td{padding:.32rem .5rem;font-weight:400;text-align:center;border-top:1px solid var(--line)}
        th[scope=row]{text-align:left;padding-left:0;white-space:nowrap}thead th{vertical-align:bottom;border-top:0;line-height:1.25;padding-bottom:.6rem}
        thead strong{display:block;font-size:1rem}.score{display:block;font-size:1.9rem;line-height:1.1;font-weight:700;
        font-variant-numeric:tabular-nums}.score small{font-size:.5em;font-weight:400}
        .bar{display:flex;gap:1px;height:7px;margin:.4rem auto 0;max-width:9rem;border-radius:4px;overflow:hidden;background:var(--line)}
        .bar i{min-width:2px;height:100%}.bar .INFORMATIONAL,.bar .UNIMPLEMENTED{background:var(--none);box-shadow:none;opacity:.55}
        tbody.part th{border-top:0;padding:1.5rem 0 .35rem;text-align:left;font-weight:700}
        .cell{border-radius:0;font-variant-numeric:tabular-nums;background:color-mix(in srgb,var(--tone,transparent) var(--much,0%),transparent);
        border-left:3px solid var(--paper)}
        .cell small{opacity:.8}.all{--tone:var(--ok);--much:20%}.soft-miss{--tone:var(--warn);--much:26%}.miss{--tone:var(--bad);--much:24%}
        .most{--tone:var(--bad);--much:52%}.idle{color:var(--soft);--tone:var(--none);--much:14%}.unrun{color:var(--none)}
        .cell a,th a{color:inherit;text-decoration-color:var(--none);text-underline-offset:3px}
        .cases th[scope=row]{white-space:normal;width:44%}.cases thead th{padding-bottom:.3rem;font-size:.85em;color:var(--soft)}.cases td{width:6rem}
        section:target h3{color:var(--bad)}tbody tr:hover>*{background-color:var(--raise)}
        footer{margin-top:2.5rem;padding-top:.8rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85em}
        @media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#ccc}body{margin:0;max-width:none;font-size:9pt}tr{break-inside:avoid}
        h2,h3{break-after:avoid}}
        """
}
