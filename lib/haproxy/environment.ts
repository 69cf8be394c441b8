/** Reads the env file whose variables HAProxy gets besides the wrapper's own. */
import { type EnvFile, parseEnvFile } from "../settings/env_file.ts";
import { systemReason } from "../system_reason.ts";

/** Reads `path` anew; `null` is no file and no variables. What is wrong is named with the path. */
export async function readEnvironment(path: string | null): Promise<EnvFile> {
  if (path === null) return { tag: "read", variables: {} };
  try {
    const file = parseEnvFile(await Deno.readTextFile(path));
    if (file.tag === "read") return file;
    return { tag: "invalid", problems: file.problems.map((one) => `env file "${path}", ${one}`) };
  } catch (error) {
    return { tag: "invalid", problems: [`cannot read env file "${path}": ${systemReason(error)}`] };
  }
}
