// Stands between a Worker and its Durable Objects, in a run that is not timed: counts the calls and keeps the last question to each object.
import { DurableObject } from "cloudflare:workers";

let calls = 0;
const questions = {};

export class Tap extends DurableObject {
  ask(question) {
    calls += 1;
    questions[this.ctx.id.name] = question;
    return this.env.TAPPED.getByName(this.ctx.id.name).ask(question);
  }

  validate(...question) {
    calls += 1;
    return this.env.TAPPED.getByName(this.ctx.id.name).validate(...question);
  }

  create(...session) {
    calls += 1;
    return this.env.TAPPED.getByName(this.ctx.id.name).create(...session);
  }
}

export default { fetch: () => Response.json({ calls, questions }) };
