package dev.edgesession.spring.security;

import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.Module;
import dev.edgesession.spring.AttributeModules;

import org.springframework.security.jackson2.SecurityJackson2Modules;

/** Spring Security's own modules, and what they lack. */
public class SecurityAttributeModules implements AttributeModules {

	@Override
	public List<Module> get() {
		List<Module> modules = new ArrayList<>(SecurityJackson2Modules.getModules(getClass().getClassLoader()));
		modules.add(new AuthenticationModule());
		return modules;
	}

}
