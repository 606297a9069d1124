// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The admin page: one document, one script, one style sheet, kept as text so that the executable needs no files beside
/// it.
enum AdminPage {
    /// Everything comes from this endpoint; nothing inline runs, and no other page may frame it.
    static let contentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// `/`
    static let html = #"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Rollcall admin</title>
        <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%233f6fd8'/%3E%3Cpath d='M4.5 8.2l2.4 2.4 4.6-5' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E">
        <link rel="stylesheet" href="/admin.css">
        <script type="module" src="/admin.js"></script>
        </head>
        <body>
        <header>
          <h1>Rollcall</h1>
          <span id="node" class="quiet"></span>
          <span id="status" class="pill" role="status">connecting…</span>
          <span class="space"></span>
          <button id="sign-out" type="button" hidden>Sign out</button>
        </header>
        <p id="trouble" class="trouble" role="alert" hidden></p>
        <main>
          <section class="figures" aria-label="Figures">
            <div class="figure"><b id="users">–</b><span>users online</span></div>
            <div class="figure"><b id="connections">–</b><span>connections</span></div>
            <div class="figure"><b id="nodes">–</b><span>nodes</span></div>
            <div class="figure"><b id="rate">–</b><span>events/s on this node</span></div>
          </section>

          <section class="panel wide">
            <h2>Nodes</h2>
            <div class="scroll">
              <table>
                <thead><tr><th>Node</th><th>State</th><th>Address</th><th class="number">Users</th><th class="number">Connections</th><th class="number">Lease left</th><th>Started</th><th>Version</th><th>sid</th></tr></thead>
                <tbody id="node-rows"></tbody>
              </table>
            </div>
          </section>

          <section class="panel users">
            <div class="bar">
              <h2>Users</h2>
              <form id="search" role="search">
                <input id="user" type="search" placeholder="Find a user id" aria-label="User id" autocomplete="off" spellcheck="false">
                <select id="node-filter" aria-label="Node"><option value="">All nodes</option></select>
              </form>
            </div>
            <div class="scroll">
              <table>
                <thead><tr><th>User</th><th>Node</th><th>Transport</th><th>Address</th><th>Connected</th><th>Session</th><th></th></tr></thead>
                <tbody id="user-rows"></tbody>
              </table>
            </div>
            <div class="bar">
              <span id="page-note" class="quiet"></span>
              <span class="space"></span>
              <button id="previous" type="button" disabled>Previous</button>
              <button id="next" type="button" disabled>Next</button>
            </div>
          </section>

          <section class="panel live">
            <div class="bar">
              <h2>Coming and going</h2>
              <span class="space"></span>
              <span id="live-state" class="pill">off</span>
            </div>
            <ol id="events" aria-live="off"></ol>
          </section>

          <section class="panel wide">
            <h2>Send an event</h2>
            <form id="emit">
              <label>Event <input id="emit-event" required autocomplete="off" spellcheck="false" placeholder="news"></label>
              <label>Rooms <input id="emit-rooms" autocomplete="off" spellcheck="false" placeholder="all clients; or room, room"></label>
              <label>Except <input id="emit-except" autocomplete="off" spellcheck="false" placeholder="room, room"></label>
              <label>Namespace <input id="emit-namespace" value="/" autocomplete="off" spellcheck="false"></label>
              <label class="whole">Arguments, a JSON array <textarea id="emit-args" rows="2" spellcheck="false">["hello"]</textarea></label>
              <div class="bar whole"><button type="submit" class="primary">Send</button><output id="emit-result"></output></div>
            </form>
          </section>
        </main>

        <dialog id="sign-in">
          <form method="dialog">
            <h2>Admin token</h2>
            <p class="quiet">Kept in this tab only, until it is closed.</p>
            <input id="token" type="password" autocomplete="current-password" aria-label="Admin token" required>
            <p id="sign-in-note" class="trouble" hidden></p>
            <div class="bar"><span class="space"></span><button type="submit" class="primary">Sign in</button></div>
          </form>
        </dialog>

        <dialog id="confirm">
          <form method="dialog">
            <h2>Disconnect this user?</h2>
            <p><code id="confirm-user"></code></p>
            <p class="quiet">All connections of the user are closed, on every node, and do not come back by themselves.</p>
            <div class="bar"><span class="space"></span><button value="cancel">Cancel</button><button value="disconnect" class="danger">Disconnect</button></div>
          </form>
        </dialog>
        </body>
        </html>

        """#
}
