"""The HSM: people's keys, the server's own keys and the CA's keys, behind PKCS#11."""
