// Reads the options before tools and build are there. 2: they are wrong; 10: it was --help.
import { HELP, UsageError, parse } from "./options.mjs";

try {
  if (parse(process.argv.slice(2)).help) {
    process.stdout.write(HELP);
    process.exitCode = 10;
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`scripts/dev: ${error.message}\nTry scripts/dev --help.`);
  process.exitCode = 2;
}
