/** A peer that this machine cannot run; the message says how to get it. */
export class LeftOut extends Error {}
