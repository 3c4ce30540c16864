package dev.edgesession.spring;

/** What goes wrong between the application and its gate. */
public class EdgeSessionException extends RuntimeException {

	public EdgeSessionException(String message) {
		super(message);
	}

	public EdgeSessionException(String message, Throwable cause) {
		super(message, cause);
	}

}
