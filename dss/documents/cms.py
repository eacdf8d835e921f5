"""The CMS side of a PAdES signature: who signs, and how it is written."""

from asn1crypto import algos, x509
from pyhanko.sign.signers import ExternalSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from dss.kernel.keyspec import Padding, Scheme

NO_SIGNATURE = bytes(512)  # as long as the longest, of RSA-4096


def signer_for(
    chain: tuple[bytes, ...], scheme: Scheme, hash_name: str, signature: bytes = NO_SIGNATURE
) -> ExternalSigner:
    """Return a signer by a value that was made elsewhere, or that is still to be made."""
    signer, *others = [x509.Certificate.load(der) for der in chain]
    registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    registry.register_multiple(others)
    return ExternalSigner(
        signing_cert=signer,
        cert_registry=registry,
        signature_value=signature,
        signature_mechanism=_mechanism(scheme, hash_name),
        embed_roots=False,
    )


def _mechanism(scheme: Scheme, hash_name: str) -> algos.SignedDigestAlgorithm:
    """Name the scheme as RFC 4055 (RSA) and RFC 5758 (ECDSA) do."""
    if scheme.padding is Padding.PKCS1:
        return algos.SignedDigestAlgorithm({"algorithm": f"{hash_name}_rsa"})
    if scheme.padding is Padding.ECDSA:
        return algos.SignedDigestAlgorithm({"algorithm": f"{hash_name}_ecdsa"})
    hashed = algos.DigestAlgorithm({"algorithm": hash_name})
    mask = algos.MaskGenAlgorithm({"algorithm": "mgf1", "parameters": hashed})
    salted = {"hash_algorithm": hashed, "mask_gen_algorithm": mask, "salt_length": scheme.salt_length}
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": algos.RSASSAPSSParams(salted)})
