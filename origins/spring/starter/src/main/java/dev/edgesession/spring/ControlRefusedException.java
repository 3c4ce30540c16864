package dev.edgesession.spring;

/** The gate did not do what it was told out of band. */
public class ControlRefusedException extends EdgeSessionException {

	private final int status;

	public ControlRefusedException(String message, int status, Throwable cause) {
		super(message, cause);
		this.status = status;
	}

	/** The gate's answer, 0 without one. */
	public int getStatus() {
		return this.status;
	}

}
