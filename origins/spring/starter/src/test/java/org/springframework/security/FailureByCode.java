package org.springframework.security;

import org.springframework.security.core.AuthenticationException;

/** As OAuth2AuthenticationException, which is not on the class path of these tests: the text that it takes is a code, and no message. */
public class FailureByCode extends AuthenticationException {

	public FailureByCode(String code) {
		super("[" + code + "]");
	}

}
