/* The clock goes first. */
struct kiln {
	struct work_struct fire;
	struct delayed_work cool;
	struct workqueue_struct *queue;
	spinlock_t lock;
	char *log;
	struct clk *clk;
	void __iomem *base;
	int irq;
	bool gone;
};

static void kiln_fire(struct work_struct *w)
{
	struct kiln *k = container_of(w, struct kiln, fire);

	k->log[0] = 1;
}

static irqreturn_t kiln_irq(int irq, void *data)
{
	struct kiln *k = data;

	schedule_work(&k->fire);
	return IRQ_HANDLED;
}

static int kiln_transfer(struct spi_controller *ctlr, struct spi_message *m)
{
	struct kiln *k = spi_controller_get_devdata(ctlr);

	writel(1, k->base);
	return 0;
}

static int kiln_probe(struct platform_device *pdev)
{
	struct kiln *k = devm_kzalloc(&pdev->dev, sizeof(*k), GFP_KERNEL);
	struct spi_controller *ctlr;
	int err;

	if (!k)
		return -ENOMEM;
	ctlr = devm_spi_alloc_host(&pdev->dev, 0);
	if (!ctlr)
		return -ENOMEM;
	spin_lock_init(&k->lock);
	INIT_WORK(&k->fire, kiln_fire);
	ctlr->transfer_one_message = kiln_transfer;
	platform_set_drvdata(pdev, k);
	err = request_irq(k->irq, kiln_irq, 0, "kiln", k);
	if (err)
		return err;
	return spi_register_controller(ctlr);
}

static void kiln_remove(struct platform_device *pdev)
{
	struct kiln *k = platform_get_drvdata(pdev);

	free_irq(k->irq, k);
	cancel_work_sync(&k->fire);
	clk_disable_unprepare(k->clk); /* want: freed-under-handler "before spi_unregister_controller()" */
	spi_unregister_controller(dev_get_drvdata(&pdev->dev));
	kfree(k->log);
}

static struct platform_driver kiln_driver = {
	.probe = kiln_probe,
	.remove = kiln_remove,
};
