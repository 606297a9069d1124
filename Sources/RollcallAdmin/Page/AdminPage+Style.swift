// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension AdminPage {
    /// `/admin.css`
    static let style = #"""
        :root {
          --back: #f5f6f9; --panel: #fff; --line: #e0e4ec; --text: #1c2333; --quiet: #667085; --accent: #3f6fd8;
          --good: #12805c; --good-back: #dff5ea; --warn: #96600a; --warn-back: #fdf0d5; --bad: #b3261e; --bad-back: #fde4e1;
          font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
          color: var(--text); background: var(--back);
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --back: #11141b; --panel: #191e28; --line: #2b3240; --text: #e4e8f1; --quiet: #97a1b5; --accent: #7aa2ff;
            --good: #5fd3a3; --good-back: #173629; --warn: #f0c674; --warn-back: #3b2f14; --bad: #ff8a80; --bad-back: #43201e;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 1280px; padding: 0 20px 40px; }
        header { display: flex; align-items: baseline; gap: 12px; padding: 18px 0 14px; }
        h1 { font-size: 20px; margin: 0; letter-spacing: -.01em; }
        h2 { font-size: 15px; margin: 0 0 10px; }
        .quiet { color: var(--quiet); }
        .space { flex: 1; }
        .bar { display: flex; align-items: center; gap: 8px; flex-wrap: wrap; }
        .bar h2 { margin: 0; }
        main { display: grid; grid-template-columns: minmax(0, 1fr) 320px; gap: 16px; align-items: start; }
        .wide, .figures { grid-column: 1 / -1; }
        .figures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 16px; }
        .figure, .panel { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
        .figure b { display: block; font-size: 28px; line-height: 1.2; font-variant-numeric: tabular-nums; }
        .figure span { color: var(--quiet); }
        .panel > .bar:first-child { margin-bottom: 10px; justify-content: space-between; }
        .panel > .bar:last-child { margin-top: 10px; }
        .scroll { overflow-x: auto; }
        table { width: 100%; border-collapse: collapse; }
        th { text-align: left; font-weight: 500; color: var(--quiet); }
        th, td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
        tbody tr:last-child td { border-bottom: 0; }
        td.user { white-space: normal; overflow-wrap: anywhere; min-width: 120px; font-weight: 500; }
        td.empty { color: var(--quiet); padding: 18px 0; text-align: center; }
        th.number, td.number { text-align: right; padding-right: 28px; font-variant-numeric: tabular-nums; }
        code, .code { font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
        .pill { border-radius: 99px; padding: 1px 9px; font-size: 12px; background: var(--line); }
        .pill.good { color: var(--good); background: var(--good-back); }
        .pill.warn { color: var(--warn); background: var(--warn-back); }
        .pill.bad { color: var(--bad); background: var(--bad-back); }
        .trouble { color: var(--bad); background: var(--bad-back); border-radius: 8px; padding: 8px 12px; margin: 0 0 14px; }
        #search { display: flex; gap: 8px; }
        #events { list-style: none; margin: 0; padding: 0; max-height: 420px; overflow-y: auto; }
        #events li { display: grid; grid-template-columns: auto 1fr auto; gap: 8px; padding: 4px 0; }
        #events li .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
        #events .join::before { content: "+"; color: var(--good); font-weight: 700; }
        #events .leave::before { content: "−"; color: var(--bad); font-weight: 700; }
        #events time { color: var(--quiet); font-variant-numeric: tabular-nums; }
        #emit { display: grid; grid-template-columns: repeat(4, 1fr); gap: 10px 14px; }
        #emit .whole { grid-column: 1 / -1; }
        label { display: block; color: var(--quiet); }
        input, select, textarea, button {
          font: inherit; color: var(--text); background: var(--back); border: 1px solid var(--line); border-radius: 7px; padding: 5px 10px;
        }
        label input, label textarea { display: block; width: 100%; margin-top: 3px; }
        textarea { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; resize: vertical; }
        :is(input, select, textarea, button, a):focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
        button { cursor: pointer; }
        button:hover:not(:disabled) { border-color: var(--accent); }
        button:disabled { opacity: .5; cursor: default; }
        button.primary { background: var(--accent); border-color: var(--accent); color: #fff; }
        button.danger, td button { color: var(--bad); }
        td button { padding: 1px 8px; }
        dialog { border: 1px solid var(--line); border-radius: 12px; background: var(--panel); color: var(--text); width: 380px; max-width: 92vw; padding: 20px; }
        dialog::backdrop { background: rgb(0 0 0 / .45); }
        dialog input { width: 100%; }
        dialog .bar { margin-top: 14px; }
        @media (prefers-color-scheme: dark) { button.primary { color: #0d1220; } }
        @media (max-width: 900px) {
          main, #emit { grid-template-columns: minmax(0, 1fr); }
          .figures { grid-template-columns: repeat(2, 1fr); }
        }

        """#
}
