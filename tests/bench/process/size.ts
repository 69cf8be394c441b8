/** Measures the size of the program, on disk and as a download. */
import { existsSync } from "node:fs";
import { basename, join } from "@std/path";
import { PROGRAM } from "../../support/wrapper/program.ts";
import { type Amounts, compareAmounts, MEGABYTE, type Row } from "../table.ts";

/** For a program run from source, that is Deno's size. */
export async function measureSize(): Promise<Row[]> {
  const program = PROGRAM[0]!;
  const haproxy = pathOf("haproxy");
  const figure = `size of ${basename(program)}`;
  return [
    compareSizes(figure, { wrapper: await bytesOf(program), beside: await bytesOf(haproxy) }),
    compareSizes(`${figure}, compressed by gzip`, {
      wrapper: await compressedBytesOf(program),
      beside: await compressedBytesOf(haproxy),
    }),
  ];
}

const bytesOf = async (path: string) => (await Deno.stat(path)).size;

async function compressedBytesOf(path: string): Promise<number> {
  const { readable } = await Deno.open(path);
  let bytes = 0;
  for await (const chunk of readable.pipeThrough(new CompressionStream("gzip"))) {
    bytes += chunk.length;
  }
  return bytes;
}

function compareSizes(figure: string, { wrapper, beside }: Amounts): Row {
  return compareAmounts(figure, { wrapper: wrapper / MEGABYTE, beside: beside / MEGABYTE }, {
    besideName: "haproxy",
    unit: " MB",
    digits: 1,
    target: null,
  });
}

function pathOf(name: string): string {
  const paths = Deno.env.get("PATH")!.split(":").map((directory) => join(directory, name));
  return paths.find((path) => existsSync(path))!;
}
