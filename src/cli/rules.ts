import { explainRule, rules, rulesJson, rulesText, safe } from '../index.ts';

type Out = (text: string) => void;

/** `fencepost rules [--json]` */
export function rulesCommand(args: string[], out: Out): number {
  out(args.includes('--json') ? `${JSON.stringify(rulesJson(rules))}\n` : rulesText(rules));
  return 0;
}

/** `fencepost explain RULE` */
export function explainCommand(args: string[], out: Out, err: Out): number {
  const rule = rules.find(r => r.id === args[0]);
  if (!rule) {
    err(
      args[0] === undefined
        ? 'fencepost explain: name a rule; `fencepost rules` lists them\n'
        : `fencepost explain: no rule is called ${safe(args[0])}; \`fencepost rules\` lists them\n`,
    );
    return 2;
  }
  out(explainRule(rule));
  return 0;
}
