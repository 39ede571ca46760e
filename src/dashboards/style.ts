/** The pages' only style: its hash is in their Content-Security-Policy, so that nothing else styles them. */
export const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --red: #c4162a; --green: #2e7d32; }
body { font: 14px/1.4 system-ui, sans-serif; margin: 1rem; }
h1 { font-size: 1.3rem; margin: 0 0 .25rem; }
h2 { font-size: .95rem; margin: 0; }
p { margin: .2rem 0 .5rem; opacity: .75; }
nav a, nav b { margin-right: .8rem; }
main { display: grid; grid-template-columns: repeat(24, 1fr); gap: .8rem; margin-top: 1rem; }
section { border: 1px solid var(--line); border-radius: 6px; padding: .7rem; min-width: 0; overflow: auto; max-height: 34rem; }
.w6 { grid-column: span 6; } .w12 { grid-column: span 12; } .w24 { grid-column: span 24; }
.stat { font-size: 2rem; font-variant-numeric: tabular-nums; }
.red { background: var(--red); color: #fff; } .green { background: var(--green); color: #fff; }
.error { color: var(--red); font-weight: 600; opacity: 1; }
.banner { background: var(--red); color: #fff; padding: .8rem; border-radius: 6px; font-weight: 600; opacity: 1; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .5rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { white-space: nowrap; }
.n { text-align: right; }
svg { width: 100%; height: auto; }
.grid { stroke: var(--line); } text { fill: currentColor; font-size: 11px; }
.x { text-anchor: middle; } .y { text-anchor: end; dominant-baseline: middle; }
.line { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1rem; padding: 0; margin: .3rem 0 0; overflow-wrap: anywhere; }
.legend li::before { content: ''; display: inline-block; width: .8em; height: .8em; margin-right: .3em; border-radius: 2px; background: currentColor; }
.c0 { color: #3274d9; } .c1 { color: #e0752d; } .c2 { color: #37872d; } .c3 { color: #a352cc; } .c4 { color: #c15c17; }
.c5 { color: #1f9e9e; } .c6 { color: #e02f8a; } .c7 { color: #8f8f00; } .c8 { color: #7b6fd6; } .c9 { color: #808080; }
@media (max-width: 60rem) { .w6 { grid-column: span 12; } .w12 { grid-column: span 24; } }
`;
