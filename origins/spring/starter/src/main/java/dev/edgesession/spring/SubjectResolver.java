package dev.edgesession.spring;

import java.util.function.Function;

/**
 * Whose session it is. With Spring Security that is the name of the authenticated
 * principal; a bean of this type says otherwise. The best answer is an account id that
 * never changes.
 */
@FunctionalInterface
public interface SubjectResolver {

	/**
	 * @param attributes gives the session's attributes by their names
	 * @return the subject, or null for nobody
	 */
	String resolve(Function<String, Object> attributes);

}
