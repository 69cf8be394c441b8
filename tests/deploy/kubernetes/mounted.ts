/** Writes the configuration and the Secret to a folder, as the kubelet mounts them. */
import type { TempFolder } from "../../support/machine/temp_folder.ts";
import { manifestOf } from "./manifests.ts";

export interface Ports {
  readonly http: number;
  readonly https: number;
}

export const CONFIGURATION: string = manifestOf("ConfigMap").data["haproxy.cfg"];

/** Returns the path of the configuration. Its ports are on the loopback address. */
export function mount(folder: TempFolder, ports: Ports): string {
  const { stringData } = manifestOf("Secret");
  for (const name of ["tls.crt", "tls.key"]) folder.write(`certs/${name}`, stringData[name]);
  return folder.write("haproxy.cfg", located(CONFIGURATION, folder, ports));
}

/** The same configuration for these paths and ports. */
export function located(configuration: string, folder: TempFolder, { http, https }: Ports): string {
  return configuration
    .replaceAll("/certs/", `${folder.at("certs")}/`)
    .replaceAll(" :8080", ` 127.0.0.1:${http}`)
    .replaceAll(" :8443", ` 127.0.0.1:${https}`);
}
