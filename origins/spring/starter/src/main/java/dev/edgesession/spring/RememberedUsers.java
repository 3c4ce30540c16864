package dev.edgesession.spring;

/**
 * How a user is shown whom the gate remembers, once the login is a while ago
 * (edge-session.remembered-after).
 */
@FunctionalInterface
public interface RememberedUsers {

	/**
	 * @param context the SecurityContext that is in the session
	 * @return the one that the application sees
	 */
	Object seen(Object context);

}
