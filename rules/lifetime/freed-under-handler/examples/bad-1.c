struct foo { struct work_struct w; char *buf; struct clk *clk; void __iomem *base; struct workqueue_struct *wq; };
static void foo_work(struct work_struct *w)
{
	struct foo *f = container_of(w, struct foo, w);
	if (f->buf)
		f->buf[0] = 1;
	queue_work(f->wq, &f->w);
	writel(1, f->base + 4);
}
static int foo_irq(int irq, void *data) { struct foo *f = data; schedule_work(&f->w); return 0; }
static int foo_probe(struct platform_device *pdev)
{
	struct foo *f = devm_kzalloc(&pdev->dev, sizeof(*f), GFP_KERNEL);
	INIT_WORK(&f->w, foo_work);
	return devm_request_irq(&pdev->dev, 7, foo_irq, 0, "foo", f);
}
static void foo_remove(struct platform_device *pdev)
{
	struct foo *f = platform_get_drvdata(pdev);
	kfree(f->buf);
	f->buf = NULL;
	destroy_workqueue(f->wq);
	clk_disable_unprepare(f->clk);
	cancel_work_sync(&f->w);
}
static struct platform_driver foo_driver = { .probe = foo_probe, .remove = foo_remove };
