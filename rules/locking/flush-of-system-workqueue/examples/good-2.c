void kiosk_start(struct kiosk *k)
{
	queue_work(system_long_wq, &k->work);
}
