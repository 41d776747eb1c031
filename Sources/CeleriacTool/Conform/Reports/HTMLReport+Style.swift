extension HTMLReport {
    /// The page's style: light or dark as the reader's system is, and black on white on paper.
    static let style = """
        :root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#5d6672;--line:#e3e6ea;--ok:#2f8f4e;--warn:#c98a00;
        --none:#9aa3ae;--bad:#c62f3b}
        @media(prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e6e9ed;--soft:#9aa3ae;--line:#2a2f36;--ok:#3fae64;
        --warn:#e0a526;--none:#6b7480;--bad:#ef5a63}}
        *{box-sizing:border-box}
        body{font:15px/1.5 system-ui,"Segoe UI","DejaVu Sans",sans-serif;color:var(--ink);background:var(--paper);
        max-width:64rem;margin:2.5rem auto;padding:0 1.25rem;-webkit-print-color-adjust:exact;print-color-adjust:exact}
        header{display:flex;align-items:center;gap:1.5rem}
        h1{font-size:1.6rem;line-height:1.2;margin:0}h2{font-size:1.1rem;margin:2.2rem 0 .6rem}
        p{margin:.15rem 0}small{color:var(--soft);font-size:.85em}code{font-size:.92em;overflow-wrap:anywhere}
        .score{font-size:3.4rem;line-height:1;font-weight:700;font-variant-numeric:tabular-nums;margin:0}
        .score small{font-size:.4em;font-weight:400}.what,.sum{color:var(--soft)}
        .bar{display:flex;gap:2px;height:14px;margin:1.4rem 0 .8rem;border-radius:7px;overflow:hidden}
        .bar i{width:auto;min-width:4px;height:100%;margin:0;border-radius:0}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.6rem;margin:0;padding:0}
        i,a[class]{display:inline-block;width:13px;height:13px;border-radius:3px;vertical-align:middle;background:var(--none);
        border:1.5px solid transparent;color:#fff;font:bold 10px/10px monospace;text-align:center;text-decoration:none}
        .legend i{margin-right:.5rem}
        i.OK{background:var(--ok)}i.INFORMATIONAL{background:none;border-color:var(--none)}
        i.UNIMPLEMENTED{background:none;border:1.5px dashed var(--none)}
        .bar i.INFORMATIONAL,.bar i.UNIMPLEMENTED{background:var(--line);border:0}
        .NON-STRICT{background:var(--warn)!important}.FAILED,.TIMEOUT,.CRASH,.FLAKY{background:var(--bad)!important}
        .NON-STRICT:before{content:"-"}.FAILED:before{content:"x"}.TIMEOUT:before{content:"t"}.CRASH:before{content:"!"}
        .FLAKY:before{content:"~"}.bar i:before{content:none}
        table{border-collapse:collapse;width:100%}
        th,td{text-align:left;vertical-align:top;padding:.4rem .8rem .4rem 0;border-top:1px solid var(--line);font-weight:400}
        .sections th{width:17rem}.sections .bad th{font-weight:600}
        .cases{line-height:16px;padding-top:.5rem}.cases>*{margin:0 3px 3px 0;vertical-align:top}
        .count{text-align:right;padding-right:0;white-space:nowrap;font-variant-numeric:tabular-nums}
        .details td:first-child{white-space:nowrap}.details td:nth-child(2){width:48%}.details thead th{color:var(--soft);font-size:.85em;border-top:0}
        .details{font-size:.92em}tr:target{background:color-mix(in srgb,var(--bad) 12%,transparent)}
        footer{margin-top:2.5rem;padding-top:.8rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85em}
        @media(max-width:40rem){.sections th{width:auto;display:block;border-bottom:0}.sections td{border-top:0}}
        @media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#ccc}body{margin:0;max-width:none;font-size:10pt}
        tr{break-inside:avoid}h2{break-after:avoid}a{color:inherit}}
        """
}
