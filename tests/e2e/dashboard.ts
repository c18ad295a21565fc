// The dashboard as Grafana's own types have it; what they write as enumerations, JSON has as plain strings.
import type { Dashboard } from "./node_modules/@grafana/schema/dist/types/raw/dashboard/x/dashboard_types.gen";

type Plain<T> = T extends string
  ? `${T}`
  : T extends (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T;

export const dashboard: Plain<Dashboard> =
