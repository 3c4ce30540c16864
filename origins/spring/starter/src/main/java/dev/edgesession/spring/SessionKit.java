package dev.edgesession.spring;

/** What every request needs. */
record SessionKit(Settings settings, AssertionVerifier verifier, MessageSigner signer, AttributeCodec codec,
		SubjectResolver subjects, RememberedUsers remembered, OutOfBand outOfBand) {

	/** Set by Spring Session's SpringSessionRememberMeServices, which may not be there. */
	static final String REMEMBER_ATTRIBUTE = "org.springframework.session.security.web.authentication.SpringSessionRememberMeServicesREMEMBER_ME_LOGIN_ATTR";

}
