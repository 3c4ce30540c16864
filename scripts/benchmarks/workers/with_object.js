// A bare Worker that has a Durable Object, which it never asks: what the platform takes for one at the start.
import { DurableObject } from "cloudflare:workers";
import pass from "./pass.js";

export class SessionObject extends DurableObject {}
export default pass;
