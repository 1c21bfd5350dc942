/** What `quorate dev` prints when it is ready. */
import type { Colours } from "../output/colours.ts";
import { pad } from "../output/table.ts";

export interface BannerMember {
  readonly name: string;
  readonly clientUrl: string;
  readonly role: string;
  readonly pid: number;
}

export interface Banner {
  readonly version: string;
  readonly readyMs: number;
  readonly members: readonly BannerMember[];
  /** As to be shown; null in memory. */
  readonly dataDir: string | null;
  readonly hasKeys: boolean;
  /** What to type for our own command line, such as `npx quorate`. */
  readonly command: string;
}

/** With its line ends; the last lines are what to do next. */
export function formatBanner(banner: Banner, colours: Colours): string {
  const { version, readyMs, members, dataDir, hasKeys, command } = banner;
  const { bold, dim, green, cyan } = colours;
  const took = Math.round(readyMs).toLocaleString("en-US");
  const count = members.length === 1 ? "1 member" : `${members.length} members`;
  const lines = [
    "",
    `  ${bold("quorate")} ${version}  ${green(`${count} ready in ${took} ms`)}`,
    "",
    ...formatMembers(members, colours),
    "",
    `  ${dim("data")}  ${dataDir ?? "memory, gone on exit"}`,
  ];
  if (hasKeys) lines.push(`  ${dim("keys")}  ${formatKeys(dataDir !== null, colours)}`);
  const endpoint = members[0]?.clientUrl.replace("http://", "") ?? "";
  const flag = endpoint === "127.0.0.1:2379" ? "" : `--endpoints ${endpoint} `;
  lines.push(
    "",
    `  ${dim("try")}   ${cyan(`${command} ${flag}put hello world`)}`,
    `        ${cyan(`etcdctl ${flag}put hello world`)}`,
    "",
  );
  return lines.map((line) => `${line}\n`).join("");
}

function formatMembers(members: readonly BannerMember[], { bold, green }: Colours): string[] {
  const urlWidth = Math.max(...members.map(({ clientUrl }) => clientUrl.length));
  const roleWidth = Math.max(...members.map(({ role }) => role.length));
  return members.map(({ name, clientUrl, role, pid }) => {
    const padded = pad(role, roleWidth, "left");
    const shown = role === "leader" ? green(padded) : padded;
    return `  ${bold(name)}  ${pad(clientUrl, urlWidth, "left")}  ${shown}  pid ${pid}`;
  });
}

/** The keys in one line. */
export function formatKeys(canRestart: boolean, { bold }: Colours): string {
  const keys = [
    ["k", "kill the leader"],
    ...(canRestart ? [["r", "restart it"]] : []),
    ["l", "logs"],
    ["h", "help"],
    ["q", "quit"],
  ];
  return keys.map(([key = "", what = ""]) => `${bold(key)} ${what}`).join("   ");
}
