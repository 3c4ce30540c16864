// The gate as the application speaks to it: in the head of a response, and out of band.
import { randomUUID } from "node:crypto";
import { makeVerify } from "./assertion.js";
import { makeSign } from "./control.js";

const DEADLINE = 5000; // ms for one attempt
const PAUSES = [150, 500, 1500]; // ms before another one

export class GateError extends Error {
  constructor(status, code) {
    const where = code?.startsWith("control_") ? "; control.invalid in its log says why" : "";
    super(`edgeSession: the gate answered ${status}${code ? ` ${code}` : ""}${where}`);
    this.name = "GateError";
    this.status = 500;
    this.code = "EDGE_SESSION_GATE";
    this.answered = status;
    this.reason = code;
  }
}

export function makeGate(options) {
  const verify = makeVerify(options);
  const sign = makeSign(options);
  const url = options.controlUrl ?? `${options.issuer}/.edge-session/control`;

  async function post(message) {
    const answer = await fetch(url, { method: "POST", body: message, redirect: "error", headers: { "Content-Type": "application/jose" }, signal: AbortSignal.timeout(DEADLINE) });
    const body = await answer.text();
    if (answer.ok) return body;
    let code;
    try {
      ({ code } = JSON.parse(body));
      if (typeof code !== "string") code = undefined;
    } catch {
      // not one of the gate's answers
    }
    throw new GateError(answer.status, code);
  }

  return {
    verify,

    // The claims of a request's assertion; throws Refused.
    identify: (req) => verify(req.headers["edge-session-assertion"]),

    deliver(res, exchange, operation) {
      res.setHeader("Edge-Session-Control", sign({ req: exchange.claims.jti, ...operation }, exchange.now));
    },

    // Resolves once the gate has stored it. A session that has ended meanwhile is no error: there is nothing left to change. Any other 404
    // is not the gate's, or not that of its endpoint. `patient`: the head that makes the session is still on its way.
    async outOfBand(operation, { now = () => Date.now() / 1000, patient = false } = {}) {
      let message = sign({ jti: randomUUID(), ...operation }, now());
      for (const pause of [...PAUSES, undefined]) {
        try {
          return await post(message);
        } catch (error) {
          const gone = operation.sid !== undefined && error.answered === 404 && error.reason === "not_found";
          if (gone && !patient) return undefined;
          const again = gone || error.answered === 503 || !(error instanceof GateError);
          if (!again || pause === undefined) throw error;
          // The same message is carried out once; but a session that its response's head is only just making needs to be asked anew.
          if (gone) message = sign({ jti: randomUUID(), ...operation }, now());
          await new Promise((resolve) => setTimeout(resolve, pause));
        }
      }
    },
  };
}
