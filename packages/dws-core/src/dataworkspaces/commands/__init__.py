"""What each command does: functions of a workspace that check, act and return values. They print nothing."""
