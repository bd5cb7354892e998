void kiosk_remove(struct kiosk *k)
{
	mutex_lock(&k->lock);
	k->gone = true;
	flush_workqueue(system_long_wq); /* want: flush-of-system-workqueue "system_long_wq" */
	mutex_unlock(&k->lock);
}
