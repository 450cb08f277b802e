# Completion of gatewatch for PowerShell. To load it: gatewatch completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName gatewatch, gatewatch.exe -ScriptBlock {
	param($wordToComplete, $commandAst, $cursorPosition)
	$words = @($commandAst.CommandElements | Select-Object -Skip 1 |
			Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { "=$($_.Extent.Text)" })
	$words += "=$wordToComplete"
	& $commandAst.CommandElements[0].Value complete @words 2>$null | ForEach-Object {
		$word, $help = $_ -split "`t", 2
		if ($word) { # otherwise a file is wanted, which PowerShell completes by itself
			$text = if ($word -match '[^\w.=/\\-]') { "'" + $word.Replace("'", "''") + "'" } else { $word }
			if (-not $help) { $help = $word }
			[System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $help)
		}
	}
}
