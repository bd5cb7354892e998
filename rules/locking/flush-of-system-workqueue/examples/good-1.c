void kiosk_remove(struct kiosk *k)
{
	flush_work(&k->work);
	flush_workqueue(k->wq);
}
