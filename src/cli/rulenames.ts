/** Names of rules as users write them. */
import { rules } from '../index.ts';
import { suggestion } from './options.ts';

/** What is said of a name that no rule has. */
export function unknownRule(name: string): string {
  const near = suggestion(
    name,
    rules.map(r => r.id),
  );
  return `no rule is called ${name}${near || '; `fencepost rules` lists them'}`;
}
