/** Runs a system command that causes a fault. */

/** @throws with what it wrote, if it fails. */
export async function command(name: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(name, { args: [...args] }).output();
  const words = [name, ...args].join(" ");
  if (!success) throw new Error(`${words}: ${new TextDecoder().decode(stderr).trim()}`);
}
