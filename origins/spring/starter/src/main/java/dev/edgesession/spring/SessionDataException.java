package dev.edgesession.spring;

/** The session holds something that the gate would not take, or that would not come back as it was. */
public class SessionDataException extends EdgeSessionException {

	public SessionDataException(String message) {
		super(message);
	}

	public SessionDataException(String message, Throwable cause) {
		super(message, cause);
	}

}
