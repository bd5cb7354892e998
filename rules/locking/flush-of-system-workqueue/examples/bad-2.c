void kiosk_exit(void)
{
	flush_scheduled_work(); /* want: flush-of-system-workqueue "flush_scheduled_work()" */
}
