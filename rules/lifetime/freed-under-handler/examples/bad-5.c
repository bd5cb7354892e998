/* The clock goes first. */
struct kiln {
	struct clk *clk;
	void __iomem *base;
};

static int kiln_transfer(struct spi_controller *ctlr, struct spi_message *m)
{
	struct kiln *k = spi_controller_get_devdata(ctlr);

	writel(1, k->base);
	return 0;
}

static int kiln_probe(struct platform_device *pdev)
{
	struct kiln *k = devm_kzalloc(&pdev->dev, sizeof(*k), GFP_KERNEL);
	struct spi_controller *ctlr = devm_spi_alloc_host(&pdev->dev, 0);

	if (!k)
		return -ENOMEM;
	if (!ctlr)
		return -ENOMEM;
	ctlr->transfer_one_message = kiln_transfer;
	platform_set_drvdata(pdev, k);
	return spi_register_controller(ctlr);
}

static void kiln_remove(struct platform_device *pdev)
{
	struct kiln *k = platform_get_drvdata(pdev);

	clk_disable_unprepare(k->clk); /* want: freed-under-handler "before spi_unregister_controller()" */
	spi_unregister_controller(dev_get_drvdata(&pdev->dev));
}

static struct platform_driver kiln_driver = {
	.probe = kiln_probe,
	.remove = kiln_remove,
};
