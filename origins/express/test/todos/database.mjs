// Users and their todos, in memory.
import { scryptSync, timingSafeEqual } from "node:crypto";

const hash = (password) => scryptSync(password, "salt", 32, { N: 1024 });
const users = [{ id: "17", username: "alice", hash: hash("correct horse") }, { id: "18", username: "bob", hash: hash("battery staple") }];
const todos = new Map(users.map(({ id }) => [id, []]));

export const findUser = (id) => users.find((user) => user.id === id);
export const todosOf = ({ id }) => todos.get(id);

export function verifyPassword(username, password) {
  const user = users.find((one) => one.username === username);
  return user && timingSafeEqual(user.hash, hash(password)) ? user : undefined;
}
