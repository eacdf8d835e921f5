// How a test and a program here talk: a line of JSON each way.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export const tell = (value) => process.stdout.write(JSON.stringify(value) + "\n");
export const hear = async () => JSON.parse((await lines.next()).value);

// What a library reports of a fault: the server's words first, where there are any.
export const failure = (fault) => ({
  failed: fault.error ?? fault.code ?? fault.message,
  description: fault.error_description,
  cause: String(fault.cause ?? ""),
});
