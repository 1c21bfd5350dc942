/** The members by their names, as a table and as JSON. */
import type { OperatorMember, OperatorResponse } from "../../proto/index.ts";
import { formatJson, type JsonValue, omitEmpty } from "../output/json.ts";
import { headerJson } from "../output/key-value.ts";
import { type Column, formatTable } from "../output/table.ts";

/** With its line end. @param width Columns of the terminal */
export function formatOperatorMembers(
  response: OperatorResponse,
  isJson: boolean,
  width: number,
): string {
  if (isJson) return `${formatJson(operatorJson(response))}\n`;
  const rows = [...response.members].sort((a, b) => (a.name < b.name ? -1 : 1));
  return formatTable(columns, rows, width);
}

const columns: readonly Column<OperatorMember>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "ID", cell: ({ ID }) => ID.toString(16) },
  { title: "ROLE", cell: describeRole },
  { title: "ADDRESS", cell: ({ address }) => address },
  { title: "CLIENT", cell: ({ clientURLs }) => clientURLs[0]?.replace(/^http:\/\//, "") ?? "-" },
];

/** `learner, for b`: it takes the place of `b` when it has caught up. */
function describeRole({ role, isWaiting, replaces }: OperatorMember): string {
  const word = role.toLowerCase();
  if (!isWaiting) return word;
  return replaces === "" ? `${word}, to vote` : `${word}, for ${replaces}`;
}

export function operatorJson({ header, members }: OperatorResponse): JsonValue {
  return { header: headerJson(header), members: members.map(memberJson) };
}

function memberJson(member: OperatorMember): Record<string, JsonValue> {
  const { ID, id, name, address, role, isStarted, isWaiting, replaces, clientURLs } = member;
  const rest = omitEmpty({ isWaiting, replaces, clientURLs });
  return { ID: ID.toString(16), id, name, address, role: role.toLowerCase(), isStarted, ...rest };
}
