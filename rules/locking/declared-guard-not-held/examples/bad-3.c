static DEFINE_MUTEX(dock_lock);
static int docks __guarded_by(&dock_lock);

void dock_register(void)
{
	mutex_lock(&dock_lock);
	docks++;
	mutex_unlock(&dock_lock);
}

void dock_unregister(void)
{
	docks--; /* want: declared-guard-not-held "writes docks without &dock_lock" */
}
