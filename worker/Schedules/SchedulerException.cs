namespace Generation.Schedules;

/// <summary>A scheduler was asked for something that it cannot do. The message names the setting, its value and what is allowed.</summary>
public sealed class SchedulerException : ArgumentException
{
    public SchedulerException(string message)
        : base(message) { }
}
