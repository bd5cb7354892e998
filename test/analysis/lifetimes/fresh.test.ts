import { expect, test } from 'vitest';
import { worldOfText } from '../../code.ts';

const lane = (body: string) => `
struct lane { int id; struct lane *next; };
${body}
void road_add(struct road *road)
{
	struct lane *lane = lane_obtain(road);

	lane->id = 1;
}
`;
const fresh = async (body: string) => {
  const { functions } = await worldOfText(lane(body));
  return functions
    .find(f => f.name === 'road_add')
    ?.events.filter(e => e.api === 'lane_obtain')
    .map(e => e.fresh ?? false);
};

test('a helper that returns what it has allocated makes the object, whatever it is called', async () => {
  const made = `static struct lane *lane_obtain(struct road *road)
{
	struct lane *l = kzalloc(sizeof(*l), GFP_KERNEL);

	if (!l)
		return NULL;
	l->next = NULL;
	return l;
}`;
  expect(await fresh(made)).toEqual([true]);
});

test('a helper that may return an object that it has found makes none', async () => {
  const found = `static struct lane *lane_obtain(struct road *road)
{
	struct lane *l = road->lanes;

	if (!l)
		l = kzalloc(sizeof(*l), GFP_KERNEL);
	return l;
}`;
  expect(await fresh(found)).toEqual([false]);
});
