export interface EdgeForTests {
  issuer: string;
  audience: string;
  keys: string;
  /** Headers of a request as it comes from the gate. */
  headers(session?: { sub?: string | number; sid?: string; data?: object; [claim: string]: unknown }): { "Edge-Session-Assertion": string };
  /** What a response tells the gate, or undefined. */
  operation(response: { headers: object }): { op: string; [member: string]: unknown } | undefined;
}
export declare function edgeForTests(options?: { issuer?: string; audience?: string }): EdgeForTests;
