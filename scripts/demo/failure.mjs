/** Something that the reader can put right: told without a stack. The command exits with 1. */
export class Failure extends Error {}
