import type { Rule } from '../../../src/model/rule.ts';

/** How the small driver of the examples differs from the plain one, whose interrupt ends with the device. */
interface Churn {
  before?: string;
  request?: string;
  remove?: string;
  driver?: string;
  more?: string;
}

function churn({ before = '', request = DEVRES, remove = '	cancel_work_sync(&c->turn);\n', driver = '', more = '' }: Churn): string {
  return `
struct churn {
	struct work_struct turn;
	void __iomem *base;
	int turns;
	int irq;
};

static void churn_turn(struct work_struct *w)
{
	struct churn *c = container_of(w, struct churn, turn);

	c->turns++;
}

static irqreturn_t churn_irq(int irq, void *data)
{
	struct churn *c = data;

	schedule_work(&c->turn);
	return IRQ_HANDLED;
}
${more}
static int churn_probe(struct platform_device *pdev)
{
	struct churn *c = devm_kzalloc(&pdev->dev, sizeof(*c), GFP_KERNEL);
	int err;

	if (!c)
		return -ENOMEM;
	INIT_WORK(&c->turn, churn_turn);
	platform_set_drvdata(pdev, c);
${before}	${request}
}
${
  remove === ''
    ? ''
    : `
static void churn_remove(struct platform_device *pdev)
{
	struct churn *c = platform_get_drvdata(pdev);

${remove}}
`
}
static struct platform_driver churn_driver = {
	.probe = churn_probe,
${remove === '' ? '' : '	.remove = churn_remove,\n'}${driver}};`;
}

const DEVRES = 'return devm_request_irq(&pdev->dev, c->irq, churn_irq, 0, "churn", c);';
const want = ` /* want: waited-for-too-early "until the device's managed resources are released" */`;
const STOP = (say = '') => `
static void churn_stop(void *data)
{
	struct churn *c = data;

	cancel_work_sync(&c->turn);${say}
}
`;
const ACTION = 'devm_add_action_or_reset(&pdev->dev, churn_stop, c)';

/** Examples of sources that end with the device. */
export const examples: Rule['examples'] = {
  bad: [
    churn({ remove: `	cancel_work_sync(&c->turn);${want}\n` }),
    `\n/* What is asked for last is done first: before the interrupt ends. */${churn({
      more: STOP(want),
      request: `err = devm_request_irq(&pdev->dev, c->irq, churn_irq, 0, "churn", c);\n	if (err)\n		return err;\n	return ${ACTION};`,
      remove: '',
    })}`,
  ],
  good: [
    churn({ remove: '	devm_free_irq(&pdev->dev, c->irq, c);\n	cancel_work_sync(&c->turn);\n' }),
    churn({ remove: '	disable_irq(c->irq);\n	cancel_work_sync(&c->turn);\n' }),
    `\n/* The device is told to be quiet. */${churn({ remove: '	writel(0, c->base);\n	cancel_work_sync(&c->turn);\n' })}`,
    `\n/* What is asked for first is done last. */${churn({ more: STOP(), before: `	err = ${ACTION};\n	if (err)\n		return err;\n`, remove: '' })}`,
    `\n/* Nobody can part the two. */${churn({ driver: '	.driver = { .name = "churn", .suppress_bind_attrs = true },\n' })}`,
    `\n/* The work can't be queued any more. */${churn({ remove: '	disable_work_sync(&c->turn);\n' })}`,
  ],
};
