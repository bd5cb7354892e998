/* The interrupt is off before. */
struct kiln {
	char *log;
	int irq;
};

static irqreturn_t kiln_irq(int irq, void *data)
{
	struct kiln *k = data;

	k->log[0] = 1;
	return IRQ_HANDLED;
}

static int kiln_probe(struct platform_device *pdev)
{
	struct kiln *k = devm_kzalloc(&pdev->dev, sizeof(*k), GFP_KERNEL);

	if (!k)
		return -ENOMEM;
	platform_set_drvdata(pdev, k);
	return devm_request_irq(&pdev->dev, k->irq, kiln_irq, 0, "kiln", k);
}

static void kiln_remove(struct platform_device *pdev)
{
	struct kiln *k = platform_get_drvdata(pdev);

	disable_irq(k->irq);
	kfree(k->log);
}

static struct platform_driver kiln_driver = {
	.probe = kiln_probe,
	.remove = kiln_remove,
};
