/* The handler is told. */
struct kiln {
	struct work_struct fire;
	bool gone;
	char *log;
	int irq;
};

static void kiln_fire(struct work_struct *w)
{
	struct kiln *k = container_of(w, struct kiln, fire);

	if (k->gone)
		return;
	k->log[0] = 1;
}

static irqreturn_t kiln_irq(int irq, void *data)
{
	struct kiln *k = data;

	schedule_work(&k->fire);
	return IRQ_HANDLED;
}

static int kiln_probe(struct platform_device *pdev)
{
	struct kiln *k = devm_kzalloc(&pdev->dev, sizeof(*k), GFP_KERNEL);

	if (!k)
		return -ENOMEM;
	INIT_WORK(&k->fire, kiln_fire);
	platform_set_drvdata(pdev, k);
	return request_irq(k->irq, kiln_irq, 0, "kiln", k);
}

static void kiln_remove(struct platform_device *pdev)
{
	struct kiln *k = platform_get_drvdata(pdev);

	free_irq(k->irq, k);
	k->gone = true;
	synchronize_rcu();
	kfree(k->log);
	cancel_work_sync(&k->fire);
}

static struct platform_driver kiln_driver = {
	.probe = kiln_probe,
	.remove = kiln_remove,
};
