// The pages, with the marks that the journey looks for.
const escape = (text) => String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
const page = (body) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Todos</title>${body}`;
const list = (messages) => messages.map((message) => `<p class="message">${escape(message)}</p>`).join("");
const hidden = (token) => `<input type="hidden" name="_csrf" value="${token}">`;

export function homePage({ user, todos = [], visits, messages, token }) {
  if (!user) return page(`${list(messages)}<p id="who">nobody</p><a href="/login">Sign in</a>`);
  const items = todos.map((title) => `<li>${escape(title)}</li>`).join("");
  return page(
    `${list(messages)}<p id="who">${escape(user.username)}</p><p id="visits">${visits}</p><ul>${items}</ul>` +
      `<form id="add" method="post" action="/todos">${hidden(token)}<input name="title"><button>Add</button></form>` +
      `<form id="out" method="post" action="/logout">${hidden(token)}<button>Sign out</button></form>`,
  );
}

export function loginPage({ messages, token }) {
  return page(
    `${list(messages)}<form id="in" method="post" action="/login">${hidden(token)}<input name="username"><input name="password" type="password">` +
      `<label><input type="checkbox" name="remember" value="1">Remember me</label><button>Sign in</button></form>`,
  );
}
