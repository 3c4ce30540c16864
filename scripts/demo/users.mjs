// The demonstration's people and their money. In memory: a restart brings it all back.

/** Never do this: one password for everybody, printed on the login page. */
export const PASSWORD = "edge";

/** The key is the subject: an account id that never changes, not a name. */
export const users = new Map([
  ["u-1001", { login: "ada", name: "Ada Lovelace", balance: 120 }],
  ["u-1002", { login: "grace", name: "Grace Hopper", balance: 80 }],
  ["u-1003", { login: "mallory", name: "Mallory", balance: 0 }],
]);

/** The subject that this name and password belong to, or nothing. */
export function authenticate(login, password) {
  if (password !== PASSWORD) return;
  for (const [sub, user] of users) if (user.login === login) return sub;
}
